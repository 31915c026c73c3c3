"""Search algorithms: generators that propose batches of architectures and receive their outcomes."""
