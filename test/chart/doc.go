// Package chart tests what deploy/ has for Kubernetes: the chart is linted and rendered by Helm's
// own code, every object is decoded strictly into the types of Kubernetes and of the operators, and
// checked by the code of PodSecurity admission. It needs no cluster.
package chart
