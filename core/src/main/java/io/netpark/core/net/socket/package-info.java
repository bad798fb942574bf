/** What all sockets have in common. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.socket;
