/**
 * The kernel as its headers say it: constants in {@link io.netpark.core.linux.Linux}, and structures by the offsets of their fields, a
 * class each ({@link io.netpark.core.linux.EpollEvent}, {@link io.netpark.core.linux.MsgHdr} and so on).
 *
 * <p>Such a class has no state and makes no system call: it writes a structure to a buffer, or reads a field of one. This package uses
 * nothing of Netpark.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.linux;
