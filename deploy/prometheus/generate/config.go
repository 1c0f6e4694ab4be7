package main

import (
	"fmt"
	"maps"
	"os"

	"go.yaml.in/yaml/v3"
)

// config is config.yaml, overlaid by a profile and a file of the user.
type config map[string]any

func loadConfig(profile, override string) (config, error) {
	c, err := readConfig("config.yaml")
	if err != nil {
		return nil, err
	}
	profiles, _ := c["profiles"].(map[string]any)
	of, ok := profiles[profile].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("there is no profile %q in config.yaml", profile)
	}
	delete(c, "profiles")
	if err := c.merge(of, ""); err != nil {
		return nil, err
	}
	if override != "" {
		mine, err := readConfig(override)
		if err != nil {
			return nil, err
		}
		if err := c.merge(mine, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", override, err)
		}
	}
	return c, nil
}

func readConfig(file string) (config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var c config
	if err := yaml.Unmarshal(text, (*map[string]any)(&c)); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// merge overwrites values. An unknown key is an error, except for labels, whose names are free.
func (c config) merge(over map[string]any, path string) error {
	for key, value := range over {
		old, ok := c[key]
		if !ok {
			return fmt.Errorf("there is no setting %s%s", path, key)
		}
		oldMap, isMap := old.(map[string]any)
		newMap, becomesMap := value.(map[string]any)
		switch {
		case isMap != becomesMap:
			return fmt.Errorf("the setting %s%s has another form", path, key)
		case isMap && key == "labels":
			maps.Copy(oldMap, newMap)
		case isMap:
			if err := config(oldMap).merge(newMap, path+key+"."); err != nil {
				return err
			}
		default:
			c[key] = value
		}
	}
	return nil
}

// text returns a setting as text.
func (c config) text(key string) string { return fmt.Sprint(c[key]) }

// list returns a setting that is a list of strings.
func (c config) list(key string) []string {
	var all []string
	values, _ := c[key].([]any)
	for _, value := range values {
		all = append(all, fmt.Sprint(value))
	}
	return all
}

// selectors returns the matchers by the prefix of names, in the order of the file.
func (c config) selectors() [][2]string {
	var all [][2]string
	values, _ := c["selectors"].([]any)
	for _, value := range values {
		entry, _ := value.(map[string]any)
		all = append(all, [2]string{fmt.Sprint(entry["names"]), fmt.Sprint(entry["matcher"])})
	}
	return all
}
