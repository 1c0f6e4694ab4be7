package main

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

func rename(_ *yaml.Node, names string) error { return fmt.Errorf("names %q", names) }
