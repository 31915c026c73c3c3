"""From the settings of a user to the plan of a run: data set, chip, device, and a trained network."""
