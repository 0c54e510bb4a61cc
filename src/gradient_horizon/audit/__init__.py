"""The claims of the lecture note, put to the test."""
