// Command doctor says what an agent can and cannot see on this host, and why; and what is wrong
// with its configuration beyond what `otelcol-facefusion validate` looks at.
//
//	otelcol-facefusion-doctor [--config FILE]... [--json]
//
// It needs no running agent. Where one runs, or where its package is installed, root looks with the
// agent's user, capabilities and mounts, and with its configuration: what root itself sees says
// little. It changes nothing and sends no telemetry; FaceFusion's web server is asked as the agent
// asks it, and to the stores of the configuration a connection is opened and closed again.
//
// The exit code is 0 without a failure (warnings are none), 1 with one, and 2 if it could not look.
package main
