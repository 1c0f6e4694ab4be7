package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// smiFile is the file.
type smiFile struct {
	// GPUs are the fields of --query-gpu.
	GPUs []map[string]string
	// XML is what -q -x prints.
	XML string
	// List is what -L prints.
	List string
	// Processes are the lines of --query-compute-apps.
	Processes []string
}

func main() {
	data, err := os.ReadFile(os.Getenv("FAKESMI"))
	var s smiFile
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fakesmi:", err)
		os.Exit(3)
	}
	if len(os.Args) > 2 && os.Args[1] == "-q" && os.Args[2] == "-x" {
		fmt.Print(s.XML)
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "--query-compute-apps=gpu_uuid,pid,used_memory" {
		for _, line := range s.Processes {
			fmt.Println(line)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "-L" {
		fmt.Print(s.List)
		return
	}
	query, found := strings.CutPrefix(strings.Join(os.Args[1:2], ""), "--query-gpu=")
	if !found {
		fmt.Fprintln(os.Stderr, "fakesmi: unknown option")
		os.Exit(2)
	}
	for _, gpu := range s.GPUs {
		var row []string
		for field := range strings.SplitSeq(query, ",") {
			value, known := gpu[field]
			if !known {
				fmt.Printf("Field %q is not a valid field to query.\n", field)
				os.Exit(2)
			}
			row = append(row, value)
		}
		fmt.Println(strings.Join(row, ", "))
	}
}
