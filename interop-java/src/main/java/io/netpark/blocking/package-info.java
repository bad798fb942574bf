/**
 * Connections for threads that wait: straight-line code for virtual threads, and for platform threads where few are enough.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.blocking;
