/**
 * A descriptor that operations park on: its two slots, its error word, its lock word, its deadlines. The rules are
 * those of Go's internal/poll and runtime/netpoll.go, as far as they apply to a JVM.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.fd;
