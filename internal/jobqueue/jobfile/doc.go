// Package jobfile knows what a job file of FaceFusion 3.x says: its dates, its steps with their
// status, and what a step works on and with. It opens nothing.
//
// A job file has the same schema from 3.0 to 3.8. It says neither when a step began nor why it
// failed, and it does not say who runs it: that is the business of jobqueue.
package jobfile
