"""Hardware cost of architectures on a compute-in-memory accelerator, and budgets."""
