"""Tests of the engine, each through a stage's own process or a public function."""
