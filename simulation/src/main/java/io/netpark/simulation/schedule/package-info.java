/**
 * The time of a simulation, and the order of what happens in it: {@link io.netpark.simulation.schedule.Timeline}. There are two clocks for
 * it. {@link io.netpark.simulation.schedule.VirtualClock} is moved by hand, and threads run as the machine has it.
 * {@link io.netpark.simulation.schedule.Schedule} moves by itself, and lets one thread run at a time, in an order that a seed draws.
 *
 * <p>A schedule passes a {@code Baton} around. Its {@code Participant}s are the {@code Crowd}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.simulation.schedule;
