"""The test kit: databases, sandboxes and buses for tests. Nobody ships it."""
