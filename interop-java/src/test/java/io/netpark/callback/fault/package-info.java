/** Programs of both Java APIs of which each system call fails in turn. */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.fault;
