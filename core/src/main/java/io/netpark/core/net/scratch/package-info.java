/** Memory for the duration of one system call. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.scratch;
