package serverconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"atoll.dev/atoll/pkg/strictjson"
)

// Load reads the configuration file at path over the defaults. It refuses fields
// that it does not know, naming those that it does; it does not validate values.
// The error names the file.
func Load(path string) (*ServerConfiguration, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("configuration file %s does not exist: check the path given with --config", path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration file: %w", err)
	}
	c, err := decode(content)
	if err != nil {
		return nil, fmt.Errorf("configuration file %s %w", path, err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("cannot make the path of the configuration file absolute: %w", err)
	}
	for _, f := range c.paths() {
		if *f.value != "" && *f.value != "-" && !filepath.IsAbs(*f.value) {
			*f.value = filepath.Join(dir, *f.value)
		}
	}
	return c, nil
}

// decode reads content over the defaults: what is written there counts, even if it is zero.
func decode(content []byte) (*ServerConfiguration, error) {
	asJSON, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		return nil, fmt.Errorf("is not valid YAML: %w", err)
	}
	// The version first: the fields of another one are not unknown but different.
	var meta struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &meta); err != nil {
		return nil, fmt.Errorf("is not a %s: %w", Kind, err)
	}
	if meta.APIVersion != APIVersion || meta.Kind != Kind {
		return nil, fmt.Errorf("has apiVersion %q and kind %q: want apiVersion: %s and kind: %s", meta.APIVersion, meta.Kind, APIVersion, Kind)
	}
	c := Default()
	if err := strictjson.Unmarshal(asJSON, c); err != nil {
		return nil, err
	}
	return c, nil
}
