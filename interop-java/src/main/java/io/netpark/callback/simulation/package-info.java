/**
 * Tests of users, on a simulated network: {@link io.netpark.callback.simulation.NetworkTest}, for callbacks and for threads that wait. They
 * need {@code netpark-simulation}, a dependency in test scope; nothing else here needs it.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.simulation;
