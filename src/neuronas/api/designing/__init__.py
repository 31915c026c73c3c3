"""The verb ``design``: stages that call the other verbs, and the joint design of network and chip."""
