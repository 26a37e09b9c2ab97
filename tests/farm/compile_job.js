"use strict";
// Runs a Flamenco job type as Flamenco Manager does, with its globals and nothing else, and prints the job's tasks.
// node compile_job.js SCRIPT SETTINGS, the settings as JSON

const fs = require("fs");
const vm = require("vm");

class Task {
  constructor(name, type) {
    Object.assign(this, { name, type, commands: [], dependencies: [] });
  }

  addCommand(command) {
    this.commands.push(command);
  }

  addDependency(task) {
    this.dependencies.push(task.name);
  }
}

const globals = {
  author: { Task: (name, type) => new Task(name, type), Command: (name, parameters) => ({ name, parameters }) },
  print: () => {},
};
const context = vm.createContext(globals);
const script = fs.readFileSync(process.argv[2], "utf-8");
vm.runInContext(`${script}\n;globalThis.jobType = JOB_TYPE; globalThis.compile = compileJob;`, context);
const tasks = [];
context.compile({ name: "a job", settings: JSON.parse(process.argv[3]), addTask: (task) => tasks.push(task) });
console.log(JSON.stringify({ tasks, jobType: context.jobType }));
