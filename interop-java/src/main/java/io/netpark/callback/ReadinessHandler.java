package io.netpark.callback;

/** Told that a descriptor is ready, on the event loop of the {@link CallbackPoller}. */
@FunctionalInterface
public interface ReadinessHandler {

    /**
     * @param events what was found; {@link Events#isPollerClosed} comes last and once
     * @throws Exception whatever; it is reported, and the descriptor is not watched any more
     */
    void ready(DescriptorHandle descriptor, Events events) throws Exception;
}
