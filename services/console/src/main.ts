/** Puts the pages on the screen; everything they show comes from the hub that served them. */
import { createApp } from "vue";
import App from "./App.vue";
import "./style.css";

createApp(App).mount("#hub");
