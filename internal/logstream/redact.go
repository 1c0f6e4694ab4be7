package logstream

import (
	"regexp"
	"strings"
)

// What is private in the stream are paths: they name users, customers and their files. Of the
// source files in a traceback the part below the package stays.

const redacted = "<path>"

var (
	// sourceLine is a line of a traceback.
	sourceLine = regexp.MustCompile(`(?m)^(\s*File )"([^"\n]*)"`)
	// quotedPath holds a slash or ends like a media file, whatever else is between the quotes. An
	// apostrophe within a word opens nothing.
	quotedPath = regexp.MustCompile(`(^|[\s=:,;(\[<{])(['"])(?:[^'"\s][^'"\n]*)?(?:[/\\][^'"\n]*|` + media + `)['"]`)
	// spacedPath may hold blanks, because it ends like a media file.
	spacedPath = regexp.MustCompile(`(^|[\s=:,;(\[<{])(?:~?/|[A-Za-z]:\\)[^\n'"<>]*?` + media + `\b`)
	// absolutePath starts with a slash, a home folder or a drive, and goes to the next blank. A URL
	// does not start like that.
	absolutePath = regexp.MustCompile(`(^|[\s=:,;(\[<{])(?:~?/[^/\s'"<>](?:[^\s'"<>]*[^\s'"<>:,;.)\]])?|[A-Za-z]:\\[^\s'"<>]+)`)
	// mediaName is a name without quotes that ends like a media file.
	mediaName = regexp.MustCompile(`[^\s'"=(\[<>]+` + media + `\b`)
)

// request is a line of an access log, of which method and protocol stay.
var request = regexp.MustCompile(`^(\s?"[A-Z]+ )\S+( HTTP/[0-9.]+")$`)

// engineSource is where onnxruntime was built, which is the same for everybody and says where it
// failed.
var engineSource = regexp.MustCompile(`^.?/onnxruntime_src/`)

const media = `(?i:\.(?:jpe?g|png|webp|bmp|tiff?|gif|mp4|mov|mkv|webm|avi|m4v|mpe?g|wmv|flv|mxf|mp3|wav|flac|ogg|opus|m4a|aac))`

// redact leaves out paths and names of media files.
func redact(text string) string {
	if !strings.ContainsAny(text, `/\.`) {
		return text
	}
	text = sourceLine.ReplaceAllStringFunc(text, func(line string) string {
		groups := sourceLine.FindStringSubmatch(line)
		return groups[1] + "\x00" + sourceTail(groups[2]) + "\x00"
	})
	// What is between zero bytes is source already, and stays.
	parts := strings.Split(text, "\x00")
	for i := range parts {
		if i%2 == 0 {
			parts[i] = redactText(parts[i])
		} else {
			parts[i] = `"` + parts[i] + `"`
		}
	}
	return strings.Join(parts, "")
}

func redactText(text string) string {
	text = quotedPath.ReplaceAllStringFunc(text, func(quoted string) string {
		if request.MatchString(quoted) {
			return request.ReplaceAllString(quoted, "${1}"+redacted+"${2}")
		}
		return quotedPath.ReplaceAllString(quoted, "${1}${2}"+redacted+"${2}")
	})
	text = spacedPath.ReplaceAllString(text, "${1}"+redacted)
	text = absolutePath.ReplaceAllStringFunc(text, func(path string) string {
		if engineSource.MatchString(path) {
			return path
		}
		return absolutePath.ReplaceAllString(path, "${1}"+redacted)
	})
	return mediaName.ReplaceAllString(text, redacted)
}

// sourceTail is the part of a source file's path that is the same on every host.
func sourceTail(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	for _, folder := range []string{"/site-packages/", "/dist-packages/", "/facefusion/"} {
		if i := strings.LastIndex(path, folder); i >= 0 {
			tail := path[i+len(folder):]
			if folder == "/facefusion/" {
				tail = "facefusion/" + tail
			}
			return tail
		}
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}
