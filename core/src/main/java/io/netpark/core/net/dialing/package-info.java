/** From a name to a connection. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.dialing;
