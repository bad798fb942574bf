/** Memory that has an address: for the arguments of system calls, and of direct buffers. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.memory;
