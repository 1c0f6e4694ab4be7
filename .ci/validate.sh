#!/usr/bin/env bash
# Every configuration that we ship is one that the built collector accepts, in the combinations that it says it is for; so are those that the documents show.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What gateway-network.yaml and the secure-*.yaml say are files of the user's: they have to be there.
export GATEWAY_TOKEN_FILE=$work/tokens
echo "a token" >"$GATEWAY_TOKEN_FILE"
for name in GATEWAY_CERT_FILE GATEWAY_KEY_FILE PAGE_CERT_FILE PAGE_KEY_FILE PAGE_CLIENT_CA_FILE; do
	export "$name=$work/tls"
done
touch "$work/tls"

validate() {
	local arguments=() file
	for file; do arguments+=(--config "$file"); done
	echo "validate $*"
	bin/otelcol-facefusion validate "${arguments[@]}"
}

for file in config/*.yaml; do
	case "$file" in
	config/agent.yaml | config/gateway.yaml | config/serverless.yaml) validate "$file" ;;
	config/gateway-*) validate config/gateway.yaml "$file" ;;
	config/in-process-scrape.yaml) ;; # of the full distribution: make chart-test-full
	config/otlp-forward.yaml) validate config/agent.yaml config/all-signals.yaml config/otlp.yaml "$file" ;;
	*) validate config/agent.yaml "$file" ;;
	esac
done

# Overlays replace lists: otlp.yaml has pipelines of its own, so that it composes with the others in any order.
validate config/agent.yaml config/otlp.yaml config/remote-write.yaml
validate config/agent.yaml config/remote-write.yaml config/otlp.yaml
validate config/agent.yaml config/otlp.yaml config/all-signals.yaml

for other in all-signals otlp remote-write; do validate config/agent.yaml config/in-process.yaml "config/$other.yaml"; done

# The page of classic names goes with all of them, before and behind.
for other in all-signals in-process logs more-attributes otlp remote-write secure-basic secure-tls; do
	validate config/agent.yaml "config/$other.yaml" config/classic-names.yaml
	validate config/agent.yaml config/classic-names.yaml "config/$other.yaml"
done

# In its container it sees the host through /host, which has to be there.
ROOT_PATH=/ validate config/agent.yaml config/all-signals.yaml deploy/stack/collector.yaml

# In a document, a block of YAML that begins with "# otelcol-facefusion --config a --config b --config this.yaml" is this.yaml.
for document in docs/*.md; do
	awk -v prefix="$work/$(basename "$document" .md)" '
		/^```yaml$/ { n++; inside = 1; next }
		/^```$/ { inside = 0 }
		inside { print > (prefix "-" n ".yaml") }
	' "$document"
done
for block in "$work"/*.yaml; do
	[ -e "$block" ] || continue
	read -r -a words < <(head -n 1 "$block")
	[ "${words[*]:0:3}" = "# otelcol-facefusion --config" ] || continue
	files=()
	for word in "${words[@]:2}"; do
		case "$word" in
		--config) ;;
		config/*) files+=("$word") ;;
		*) files+=("$block") ;;
		esac
	done
	validate "${files[@]}"
done
