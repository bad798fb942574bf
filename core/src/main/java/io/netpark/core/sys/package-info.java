/**
 * The native seam. {@link io.netpark.core.sys.LibC} is the calls of the C library that Netpark makes, by number and address;
 * {@link io.netpark.core.sys.Binding} chooses between its two implementations.
 *
 * <table>
 *   <caption>What else is here</caption>
 *   <tr><td>errors</td><td>{@link io.netpark.core.sys.Errno}, and {@link io.netpark.core.sys.NetparkException}, which they become</td></tr>
 *   <tr><td>descriptors that somebody owns</td><td>{@link io.netpark.core.sys.OpenDescriptor} and its kinds; {@link
 *       io.netpark.core.sys.Unowned} until somebody does</td></tr>
 *   <tr><td>addresses and names</td><td>{@link io.netpark.core.sys.SockAddr}, {@link io.netpark.core.sys.UnixAddress}, {@link
 *       io.netpark.core.sys.FileName}</td></tr>
 *   <tr><td>time and chance</td><td>{@link io.netpark.core.sys.Clock}, which a test can replace; {@link io.netpark.core.sys.Due},
 *       durations as instants and as numbers for the kernel</td></tr>
 * </table>
 *
 * <p>Nothing here knows what a connection is. This package uses {@code core.linux} and {@code core.memory}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.sys;
