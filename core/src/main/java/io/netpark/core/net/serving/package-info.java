/** How a server comes to its end, as users say it: a {@link io.netpark.core.net.serving.Shutdown}. Uses {@code sys} only. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.serving;
