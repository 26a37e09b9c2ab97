// SPDX-License-Identifier: GPL-3.0-or-later
// Flamenco job type: a batch of two-person animation, one task for each chunk of rows, and one that joins the reports.
// Copy this file into the folder "scripts" next to flamenco-manager. See docs/farms.md of InterMask for Blender.

"use strict";

const JOB_TYPE = {
  label: "InterMask Batch",
  description: "Two-person animation from a file of prompts, with one report",
  settings: [
    {
      key: "jobs",
      type: "string",
      subtype: "file_path",
      required: true,
      visible: "submission",
      description: "Jobs file (.csv or .jsonl), at the same path on all workers",
    },
    {
      key: "output",
      type: "string",
      subtype: "dir_path",
      required: true,
      visible: "submission",
      description: "Folder for the results, which all workers share",
    },
    {
      key: "render",
      type: "string",
      required: true,
      default: "mp4",
      choices: ["none", "mp4", "png"],
      visible: "submission",
      description: "Video, numbered pictures, or motion only",
    },
    {
      key: "engine",
      type: "string",
      required: true,
      default: "workbench",
      choices: ["workbench", "cycles"],
      visible: "submission",
      description: "Renderer of the video or the pictures",
    },
    {
      key: "chunk",
      type: "int32",
      required: true,
      default: 20,
      visible: "submission",
      description: "Rows per task",
    },
    {
      key: "rows",
      type: "int32",
      required: true,
      eval: "sum(1 for line in open(abspath(settings.jobs), 'rb') if line.strip())",
      evalInfo: { showLinkButton: true, description: "Count the lines of the jobs file" },
      visible: "submission",
      description: "Rows of the jobs file, for the number of tasks; a count that is too high does no harm",
    },
    {
      key: "model",
      type: "string",
      required: false,
      default: "",
      visible: "submission",
      description: "Name or folder of the model; empty for the bundled one",
    },
    {
      key: "python",
      type: "string",
      required: true,
      default: "python3",
      visible: "web",
      description: "Python with InterMask on the workers; a variable of Flamenco such as {intermask} may stand here",
    },
    {
      key: "more",
      type: "string",
      required: false,
      default: "",
      visible: "web",
      description: "More options of intermask_blender.batch, separated by spaces, such as --fps 24",
    },
  ],
};

function compileJob(job) {
  const settings = job.settings;
  if (settings.chunk < 1) {
    throw new Error(`A task cannot have ${settings.chunk} rows; choose 1 or more.`);
  }
  const chunks = Math.max(1, Math.ceil(settings.rows / settings.chunk));
  const join = batchTask("join", settings, ["--join"]);
  for (let chunk = 1; chunk <= chunks; chunk += 1) {
    const task = batchTask(`rows-${chunk}-of-${chunks}`, settings, ["--shard", `${chunk}/${chunks}`]);
    join.addDependency(task);
    job.addTask(task);
  }
  job.addTask(join);
}

// A task that runs the batch. With --farm it fails only if the worker or the model is at fault, not for a bad row.
function batchTask(name, settings, how) {
  const task = author.Task(name, "blender");
  const args = ["-m", "intermask_blender.batch", "--farm", "--jobs", settings.jobs, "--out", settings.output];
  args.push("--render", settings.render, "--engine", settings.engine);
  if (settings.model) args.push("--model", settings.model);
  const more = (settings.more || "").split(" ").filter((word) => word !== "");
  task.addCommand(author.Command("exec", { exe: settings.python, args: args.concat(more, how) }));
  return task;
}
