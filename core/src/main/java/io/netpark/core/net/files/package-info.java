/** Files on their way into a connection. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.files;
