/**
 * The kernel of a simulation: {@link io.netpark.simulation.kernel.SimulatedKernel}, which has every call of
 * {@link io.netpark.core.sys.LibC}, and its {@link io.netpark.simulation.kernel.Limits}. The other classes are the calls by what they are
 * about, and how memory of the program is read and written.
 *
 * <p>Not here yet: several hosts, faults by rule, a scheduler. Threads that call are real threads.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.simulation.kernel;
