# pint looks at the rules with the series that a Prometheus has: pint --config pint.hcl lint rules
prometheus "facefusion" {
  uri     = "http://127.0.0.1:9090"
  timeout = "1m"
}

# Series that a host that is well does not have are excepted beside the rules that need them.

# It is meant to fire always.
rule {
  match {
    name = "Watchdog"
  }
  disable = ["alerts/comparison"]
}

# The classic names repeat what another group records. They may be one evaluation late, which nobody sees in a mean of five minutes.
rule {
  match {
    name = "system_(cpu|memory)_percent"
  }
  disable = ["rule/dependency"]
}
