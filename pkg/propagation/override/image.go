package override

import (
	// digests are checked by these algorithms
	_ "crypto/sha256"
	_ "crypto/sha512"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// overrideImages changes the image that the predicate points at or, without one, those of all containers.
func overrideImages(manifest *unstructured.Unstructured, o *policyv1alpha1.ImageOverrider) error {
	if o.Predicate != nil {
		return changeString(manifest, o.Predicate.Path, func(image string) (string, error) { return overrideImage(image, o) })
	}
	return changeContainers(manifest, func(container map[string]any) error {
		image, ok := container["image"].(string)
		if !ok {
			return nil
		}
		changed, err := overrideImage(image, o)
		if err != nil {
			return err
		}
		container["image"] = changed
		return nil
	})
}

// image is a reference taken apart: [registry/]repository[:tag][@digest].
type image struct{ registry, repository, tag, digest string }

func parseImage(s string) (image, error) {
	ref, err := reference.Parse(s)
	if err != nil {
		return image{}, fmt.Errorf("image %q: %w", s, err)
	}
	named, ok := ref.(reference.Named)
	if !ok {
		return image{}, fmt.Errorf("image %q has no name", s)
	}
	i := image{repository: named.Name()}
	// What comes before the first slash is a registry only if it looks like a host: library/nginx has none.
	if host, rest, ok := strings.Cut(i.repository, "/"); ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		i.registry, i.repository = host, rest
	}
	if tagged, ok := ref.(reference.Tagged); ok {
		i.tag = tagged.Tag()
	}
	if digested, ok := ref.(reference.Digested); ok {
		i.digest = digested.Digest().String()
	}
	return i, nil
}

func (i image) String() string {
	var s strings.Builder
	if i.registry != "" {
		s.WriteString(i.registry + "/")
	}
	s.WriteString(i.repository)
	if i.tag != "" {
		s.WriteString(":" + i.tag)
	}
	if i.digest != "" {
		s.WriteString("@" + i.digest)
	}
	return s.String()
}

// overrideImage changes one component. A new tag drops the digest of the old one, and the other way round.
func overrideImage(s string, o *policyv1alpha1.ImageOverrider) (string, error) {
	i, err := parseImage(s)
	if err != nil {
		return "", err
	}
	change := func(component string) string {
		switch o.Operator {
		case policyv1alpha1.OverriderOpAdd:
			return component + o.Value
		case policyv1alpha1.OverriderOpReplace:
			return o.Value
		}
		return ""
	}
	switch o.Component {
	case policyv1alpha1.Registry:
		i.registry = change(i.registry)
	case policyv1alpha1.Repository:
		i.repository = change(i.repository)
	case policyv1alpha1.Tag:
		tag := change(i.tag)
		if i.tag == "" {
			tag = change(i.digest)
		}
		i.tag, i.digest = tag, ""
		if digest := strings.TrimPrefix(tag, "@"); strings.Contains(digest, ":") {
			i.tag, i.digest = "", digest
		}
	default:
		return "", fmt.Errorf("component %q is none of Registry, Repository, Tag", o.Component)
	}
	changed := i.String()
	if _, err := reference.Parse(changed); err != nil {
		return "", fmt.Errorf("%s %s %q makes %q of image %q: %w", o.Operator, o.Component, o.Value, changed, s, err)
	}
	return changed, nil
}
