package io.netpark.callback.poller;

import io.netpark.core.sys.OpenDescriptor;

/** Told that a descriptor is ready, on the event loop of the {@link CallbackPoller}. */
@FunctionalInterface
public interface ReadinessHandler {

    /**
     * @param descriptor as it was given to {@link CallbackPoller#start}
     * @param events what was found; {@link Events#isPollerClosed} comes last and once
     * @throws Exception whatever; it is reported, and the descriptor is not watched any more
     */
    void ready(OpenDescriptor descriptor, Events events) throws Exception;
}
