"""What can be searched: operations, cells, architectures and search spaces, and their layer graphs."""
