/** The tail sample: a growing file for many clients, followed by inotify through the low-level callbacks. */
@org.jspecify.annotations.NullMarked
package io.netpark.samples.tail;
