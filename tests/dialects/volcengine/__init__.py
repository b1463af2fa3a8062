"""Tests of Volcengine's protocol as served by us."""
