"""ECHONET Lite: frames, properties, node logic and the UDP transport."""
