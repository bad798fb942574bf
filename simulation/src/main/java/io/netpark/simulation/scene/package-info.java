/**
 * What tests of users have in common, whichever API they are about: a {@link io.netpark.simulation.scene.Scene}. For the adapters, whose
 * entries are made of it.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.simulation.scene;
