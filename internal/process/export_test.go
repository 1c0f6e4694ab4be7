package process

// ListAll makes the next look list all processes, as it does when the last such look is long ago.
func (t *Table) ListAll() { t.newcomers.listed = false }
