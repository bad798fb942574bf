/** Memory that the kernel has on loan. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.zerocopy;
