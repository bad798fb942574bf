/**
 * A {@link io.netpark.core.fd.Descriptor} that operations park on. The rules are those of Go's internal/poll and runtime/netpoll.go, as
 * far as they apply to a JVM.
 *
 * <table>
 *   <caption>What a descriptor is made of</caption>
 *   <tr><td>{@code ParkingSlot}</td><td>where the operation of one direction waits</td></tr>
 *   <tr><td>{@code ErrorWord}</td><td>why not to wait</td></tr>
 *   <tr><td>{@code FdLock}</td><td>who may begin an operation, and who closes the number</td></tr>
 *   <tr><td>{@code TimeLimit}</td><td>a deadline, a timeout, and the timer of both</td></tr>
 * </table>
 *
 * <p>The class is a line of four, each of which knows only the one before: {@code Watched} has the slots and the error word, {@code
 * Timed} the limits of time, {@code Sequenced} the turns of writes, {@code Descriptor} operations and the end.
 *
 * <p>What an operation does is not known here. This package uses {@code core.loop}, {@code core.poll} and {@code core.sys}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.fd;
