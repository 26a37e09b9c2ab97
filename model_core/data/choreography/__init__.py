"""Two captured people composed into one scene: short scripts whose contacts are solved, checked and captioned."""
