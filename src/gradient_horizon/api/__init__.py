"""What `import gradient_horizon as gh` offers: plain arguments in, objects with tables out."""
