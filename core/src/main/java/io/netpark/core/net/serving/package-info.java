/**
 * What a server of any of the three APIs does alike: it accepts for as long as its listener is open, tells of what fails, and comes
 * to its end in phases. The APIs differ in how they wait, and in nothing else that is here.
 *
 * <p>Uses the room of listening sockets, and those below it. Knows nothing of connections but that they are sockets.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.net.serving;
