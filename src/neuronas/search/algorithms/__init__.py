"""Search algorithms: generators that propose batches of architectures and receive what came of them."""
