"""Training programs that the symptom rules are calibrated on."""
