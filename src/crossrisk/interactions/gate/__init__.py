"""May a defense ship? A policy of limits, decided on a study's numbers. docs/gate.md says what each key means."""
