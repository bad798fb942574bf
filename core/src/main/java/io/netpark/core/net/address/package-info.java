/** Addresses: what is one, what the kernel understands, and the files of unix sockets. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.address;
