/**
 * The kernel of a simulation: {@link io.netpark.simulation.kernel.SimulatedKernel}, which has every call of
 * {@link io.netpark.core.sys.LibC}, and its {@link io.netpark.simulation.kernel.Limits}. The other classes are the calls by what they are
 * about, and how memory of the program is read and written.
 *
 * <p>A kernel is one host. Several of them, and what may go wrong between them, are a {@link io.netpark.simulation.kernel.Network}. Threads
 * that call are real threads; in which order they run is a {@link io.netpark.simulation.schedule.Schedule}'s affair. What is not modelled is
 * a list in docs/simulation.md.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.simulation.kernel;
