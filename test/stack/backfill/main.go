package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/otelcol-facefusion/otelcol-facefusion/test/stack/history"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "backfill:", err)
		os.Exit(1)
	}
}

func run() error {
	page := flag.String("page", "", "pages of what the agent sees, separated by commas")
	own := flag.String("own", "", "pages of what the agent says of itself, separated by commas")
	dir := flag.String("dir", "", "folder for the blocks")
	rules := flag.String("rules", "", "rule files whose records and alerts are evaluated over the history, separated by commas")
	end := flag.String("end", "", "time of the last sample (RFC 3339); now, if empty")
	hosts := flag.Int("hosts", 1, "how many hosts, each with its own past; all incidents are the first one's")
	seed := flag.Uint64("seed", 1, "decides on everything that is left to chance")
	flag.Parse()
	if *page == "" || *own == "" || *dir == "" {
		return errors.New("-page, -own and -dir are needed")
	}
	last := time.Now().Truncate(15 * time.Second)
	if *end != "" {
		var err error
		if last, err = time.Parse(time.RFC3339, *end); err != nil {
			return fmt.Errorf("-end: %w", err)
		}
	}
	return write(*dir, strings.Split(*page, ","), strings.Split(*own, ","), list(*rules), *hosts, history.Settings{End: last.UTC(), Seed: *seed})
}

func list(flag string) []string {
	if flag == "" {
		return nil
	}
	return strings.Split(flag, ",")
}

func write(dir string, page, own, rules []string, hosts int, set history.Settings) error {
	fmt.Printf("the history ends at %s\n", set.End.Format(time.RFC3339))
	ctx := context.Background()
	for n := range hosts {
		host := fmt.Sprintf("gpu-host-%d", n+1)
		series, err := history.Read([]history.ScrapeTarget{
			{Labels: labels.FromStrings("job", "facefusion", "instance", host+":9464", "host_name", host), Pages: page},
			{Labels: labels.FromStrings("job", "facefusion-collector", "instance", host+":9466", "host_name", host), Pages: own},
		})
		if err != nil {
			return err
		}
		begin := time.Now()
		unknown, err := history.Write(ctx, dir, history.Rename(series, host, n), history.Settings{End: set.End, Seed: set.Seed + uint64(n), Quiet: n > 0})
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d series in %s\n", host, len(series), time.Since(begin).Round(time.Second))
		if len(unknown) > 0 {
			fmt.Printf("%s: the model does not know these, they stay as they are: %s\n", host, strings.Join(unknown, " "))
		}
	}
	if len(rules) == 0 {
		return nil
	}
	begin := time.Now()
	if err := history.WriteRules(ctx, dir, rules, set.End); err != nil {
		return err
	}
	fmt.Printf("rules in %s\n", time.Since(begin).Round(time.Second))
	return nil
}
