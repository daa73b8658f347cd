"""The world in which the organism lives: everything that can be asked there, and what is true of it."""

WORLD_VERSION = 2
