"""What can be searched: operations, cells, architectures, search spaces, and the layers they stand for."""
